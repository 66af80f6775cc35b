"""Networks, one a file, each scriptable; and the demo bundles that are shipped."""
