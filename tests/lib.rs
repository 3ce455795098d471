//! Nothing to export: everything is in the test binary.
