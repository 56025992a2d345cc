"""HR files without a shell: brought on a page, looked at, applied by a second decision, taken back."""
