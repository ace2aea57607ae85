"""Values of a configuration as people write them: each becomes what it means, or the sentence that corrects it."""
