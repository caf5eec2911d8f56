"""Reports for people and for machines: each module writes one format.

Here spans become lines, columns and underlines; the rooms above know nothing of how they look.
"""
