//! Pure functions of bytes.
