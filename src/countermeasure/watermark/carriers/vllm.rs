//! vLLM's own mark, with the one key that its engine was started with.
//!
//! vLLM (0.33.0, started with `--watermark-config`) marks every answer unless its request says
//! `"watermarking":false`, which is taken out of every request that is to be marked. Nothing needs
//! to be added. The engine leaves greedy answers and those of a beam search unmarked.

use crate::wire::json::Edit;

use super::asked::Asked;

pub(super) fn edits(asked: &Asked<'_>) -> Option<Vec<Edit>> {
    let generation = &asked.request.generation;
    (!generation.greedy && !generation.beam).then(Vec::new)
}
