"""Results as they are read: words, tables, figures, pages, and views that ask the rooms below and show the answer."""
