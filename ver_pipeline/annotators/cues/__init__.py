"""Labels and bilingual text from measurements alone."""
