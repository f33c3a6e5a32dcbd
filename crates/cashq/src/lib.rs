//! cashq
