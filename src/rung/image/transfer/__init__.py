"""Images and artifacts from one place to another: registries, layouts, archives, the store."""
