"""Features of a window, as torch modules that training and bundles share."""
