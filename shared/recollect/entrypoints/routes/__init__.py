"""The routes of the HTTP functions, by what they are about; a function adds those it serves."""
