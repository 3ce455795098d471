//! Export: posts become files.
