"""A study in the browser: pages, forms, uploads, jobs. Everything that is decided is decided below this layer."""
