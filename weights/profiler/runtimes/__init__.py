"""One module a runtime. Each has a class `Runtime` as in base.py, and imports its package only when it is made."""
