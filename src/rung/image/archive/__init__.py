"""Archives: root file systems to import, images to load and to save."""
