"""Every edge of flow200: HTTP, pages, worker, clock, command line, migrations."""
