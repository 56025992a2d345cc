"""The pages of managers: their organisation, its people, its policies. What they may is `accounts.managers`' word."""
