"""What is made of images that are in the store: views, bundles, comparisons, other forms of them."""
