"""The records of other products: fields at paths, and times in many forms."""
