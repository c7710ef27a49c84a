"""What the commands share on the command line: options, inputs, the subject, output, errors."""
