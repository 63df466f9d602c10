//! The JSON Schema of experiment files.

use serde_json::Value;

use super::file::ExperimentFile;
use crate::policy::schema_of;

/// The schema, as committed in `experiments/schema.json`.
#[must_use]
pub fn schema() -> Value {
    schema_of::<ExperimentFile>("A guilloche experiment file")
}
