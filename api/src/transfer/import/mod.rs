//! Import: files become documents.
