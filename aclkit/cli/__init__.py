"""The command line: one module per command, loaded when it is called.

Each command returns its exit status: 0 clean, 1 findings, 2 usage; 3 is kept for bugs in aclkit.
"""
