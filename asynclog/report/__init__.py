"""Plan + outcomes -> the document and the text. Pure."""
