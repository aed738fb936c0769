"""Pages and answers, one module for each part of the site."""
