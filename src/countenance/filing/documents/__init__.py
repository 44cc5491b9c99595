"""What is filed and shown, made of one dossier: one tree of words, rendered as DOCX, HTML and JSON in two languages."""
