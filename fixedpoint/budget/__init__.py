"""Where the error comes from: reports, the budget by quantiser, and how codes are used."""
