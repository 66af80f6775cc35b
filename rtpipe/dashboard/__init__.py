"""The dashboard: a process of its own that looks at a run. Qt is only here."""
