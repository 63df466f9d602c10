//! What becomes of an exchange, one file per countermeasure, in a fixed order.
//!
//! A countermeasure knows text, counts and limits, but no protocol: it is told which channel a
//! piece of text belongs to and answers with other text. Here the enforced parts of a
//! [`Plan`](crate::policy::Plan) are put together for one exchange: [`RequestEdits`] on the way in,
//! [`ResponseEdits`] on the way out.

mod alignment;
pub mod downgrade;
pub mod inline;
mod members;
pub mod originals;
mod prompted;
pub mod reasoning;
pub mod refuse;
pub mod seal;
mod sentences;
pub mod side_channels;
pub mod stored;
pub mod summary;
mod tally;
mod usage;
pub mod watermark;

mod exchange;
mod lane;
mod renamed;
mod repeated;

pub use exchange::{Beside, RequestEdits, ResponseEdits};
pub use lane::LaneEditor;
pub use members::ClosedMembers;
pub use renamed::Renamed;
pub use repeated::{OpenedIndex, RepeatGuard};
pub use tally::Tally;
pub use usage::{Rounded, Rounding};

use std::fmt::Debug;
use std::ops::Range;

use inline::Dialects;

/// Edits one lane's text as it comes: pure, without clocks or chance, so that the same text gives
/// the same result however it is cut into pieces.
pub trait Editor: Debug + Send {
    /// Takes the next piece and appends what may leave now.
    fn push(&mut self, text: &str, out: &mut String);

    /// Takes a piece that cannot be decoded; `text` is what can be read of it. Says whether it may
    /// pass as it came, behind what is appended here; if not, what is appended takes its place.
    fn push_opaque(&mut self, text: &str, out: &mut String) -> bool;

    /// The lane ends: appends what was held back. `cut_short` if a length limit ended it.
    fn finish(&mut self, cut_short: bool, out: &mut String);

    /// Whether text may still come out when the lane ends.
    fn holds(&self) -> bool;

    /// Whether some of it may be reasoning.
    fn withholds(&self) -> bool {
        self.holds()
    }

    /// Appends what is held back and may leave before it is known what follows, where nothing could bring it
    /// later.
    fn let_go(&mut self, _out: &mut String) {}

    /// Words taken out so far.
    fn words_removed(&self) -> u64;

    /// Words taken out because they repeat reasoning that was opened in the request.
    fn words_repeated(&self) -> u64 {
        0
    }

    /// Blobs that it has left in the place of reasoning.
    fn blocks_sealed(&self) -> u64 {
        0
    }

    /// Reasoning sections that ended without having begun, so that their text went out.
    fn unopened_reasoning(&self) -> u64 {
        0
    }

    /// Markup that looks like that of reasoning and is none that is known.
    fn unknown_markup(&self) -> u64 {
        0
    }

    /// The dialects in which the text held reasoning.
    fn dialects(&self) -> Dialects {
        Dialects::default()
    }

    /// Where markup stands in what the last piece let out: clients expect it as it came.
    fn markers(&self) -> &[Range<usize>] {
        &[]
    }

    /// Whether the text stands in reasoning, so that nothing of an answer has come since.
    fn reasons(&self) -> bool {
        false
    }

    /// Whether the reasoning in which the text stands goes on in the one behind it, if it ends here.
    fn leaves_open(&self) -> bool {
        false
    }

    /// Whether all that is held back may be reasoning that the text behind it closes.
    fn puts_off(&self) -> bool {
        false
    }

    /// Another text may begin here instead.
    fn begin_again(&mut self) {}

    /// A tool is called behind the text: models do so within their thoughts.
    fn call(&mut self) {}

    /// Whether anything of an answer has gone out, if only white space.
    fn has_begun(&self) -> bool {
        false
    }

    /// The response turns out to carry its reasoning in members of its own.
    fn tell_apart(&mut self) {}
}
