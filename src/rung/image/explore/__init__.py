"""What each layer of an image adds, changes, removes and wastes: as data, text, JSON, a page, a browser."""
