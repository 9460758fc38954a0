"""Launcher of flow200: puts the product's packages on the path and offers `create_app` to WSGI servers."""
