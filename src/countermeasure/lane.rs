//! What becomes of one lane's text: first the reasoning is taken out, then the rest is marked.

use std::ops::Range;

use super::Editor;
use super::alignment::Alignment;
use super::inline::Dialects;
use super::prompted::Echo;
use super::reasoning;
use super::watermark::Mark;
use crate::mark::lexical::Unit;
use crate::policy::plan::Keep;
use crate::secret::opaque_debug;

opaque_debug!(LaneEditor);

/// The editors of one lane, in their order. Without any, its text goes out as it comes.
#[derive(Default)]
pub struct LaneEditor {
    editor: Option<Box<dyn Editor>>,
    mark: Option<Box<Mark>>,
    /// What of the text is its caller's own and comes back.
    echo: Echo,
    /// What the editor leaves of a piece; kept for its memory.
    left: String,
    /// Where the first marker stands in what the last piece let out.
    marker: Option<Range<usize>>,
    /// Where what the editor leaves stood in the text, for citations.
    alignment: Alignment,
}

impl LaneEditor {
    pub(super) fn new(editor: Option<Box<dyn Editor>>, mark: Option<Box<Mark>>) -> Self {
        let (left, marker, alignment) = (String::new(), None, Alignment::default());
        Self { editor, mark, echo: Echo::default(), left, marker, alignment }
    }

    /// The same for a text whose places are counted in this unit.
    pub(super) fn counting(self, unit: Unit) -> Self {
        Self { alignment: Alignment::new(unit), ..self }
    }

    /// The same for a text that begins with what its caller wrote, which goes out as it comes.
    pub(super) fn behind(self, echo: Echo) -> Self {
        Self { echo, ..self }
    }

    /// Gives back memory that is kept for the next piece.
    pub fn trim(&mut self) {
        self.left = String::new();
    }

    /// Memory that the text so far takes, besides what its editor holds back.
    #[must_use]
    pub fn allocated(&self) -> usize {
        let mark = self.mark.as_deref().map_or(0, |mark| size_of_val(mark) + mark.allocated());
        self.left.capacity() + self.alignment.allocated() + mark
    }

    /// Where the first marker stands in what the last piece let out.
    #[must_use]
    pub fn marker(&self) -> Option<Range<usize>> {
        self.marker.clone()
    }

    /// Whether the lane's text goes out as it comes.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.editor.is_none() && self.mark.is_none()
    }

    /// Takes the next piece and appends what may leave now.
    pub fn push(&mut self, text: &str, out: &mut String) {
        let Self { editor, mark, echo, left, marker, alignment } = self;
        let (echoed, text) = echo.split(text);
        if !echoed.is_empty() {
            alignment.push(echoed, echoed);
            out.push_str(echoed);
        }
        *marker = None;
        match (editor, mark) {
            (None, None) => out.push_str(text),
            (None, Some(mark)) => mark.push(text, out),
            (Some(editor), None) => {
                let before = out.len();
                editor.push(text, out);
                alignment.push(text, out.get(before..).unwrap_or_default());
                *marker = editor.markers().first().cloned();
            }
            (Some(editor), Some(mark)) => {
                left.clear();
                editor.push(text, left);
                alignment.push(text, left);
                *marker = mark_between(mark, left, editor.markers(), out);
            }
        }
    }

    /// Takes a piece that cannot be decoded; see [`Editor::push_opaque`].
    pub fn push_opaque(&mut self, text: &str, out: &mut String) -> bool {
        let Self { editor, mark, left, alignment, .. } = self;
        left.clear();
        alignment.lose();
        let passes = editor.as_mut().is_none_or(|editor| editor.push_opaque(text, left));
        match mark {
            None => out.push_str(left),
            Some(mark) => {
                let markers = editor.as_deref().map_or(&[][..], Editor::markers);
                mark_between(mark, left, markers, out);
                if passes {
                    mark.push_opaque(out);
                }
            }
        }
        passes
    }

    /// Appends what is held back and may leave before it is known what follows, where nothing could bring it
    /// later.
    pub fn let_go(&mut self, out: &mut String) {
        let Self { editor, mark, left, alignment, .. } = self;
        let Some(editor) = editor else { return };
        left.clear();
        editor.let_go(left);
        alignment.push("", left);
        match mark {
            None => out.push_str(left),
            Some(mark) => mark.push(left, out),
        }
    }

    /// The lane ends: appends what was held back.
    pub fn finish(&mut self, cut_short: bool, out: &mut String) {
        let Self { editor, mark, left, alignment, .. } = self;
        left.clear();
        if let Some(editor) = editor {
            editor.finish(cut_short, left);
            alignment.push("", left);
        }
        match mark {
            None => out.push_str(left),
            Some(mark) => {
                let markers = editor.as_deref().map_or(&[][..], Editor::markers);
                mark_between(mark, left, markers, out);
                mark.end(cut_short, out);
            }
        }
    }

    /// Whether text may still come out when the lane ends.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.editor.as_deref().is_some_and(Editor::holds) || self.lingers()
    }

    /// Whether text is held back only to be marked.
    #[must_use]
    pub fn lingers(&self) -> bool {
        self.mark.as_deref().is_some_and(Mark::holds)
    }

    /// The lane's mark, if its text is marked.
    pub fn mark(&mut self) -> Option<&mut Mark> {
        self.mark.as_deref_mut()
    }

    /// Where a range of the upstream's text lies in what goes out: first behind what was taken out,
    /// then among the words that were exchanged; see [`Mark::locate`].
    pub fn locate(&mut self, range: Range<u64>, out: &mut String) -> Option<Range<u64>> {
        let Self { editor, mark, alignment, .. } = self;
        let left = match editor {
            // Where the text goes on within reasoning, its places would tell how long that is.
            Some(editor) if editor.reasons() => {
                alignment.map_so_far(range.start)?..alignment.map_so_far(range.end)?
            }
            Some(_) => alignment.map(range.start)?..alignment.map(range.end)?,
            None => range,
        };
        match mark {
            Some(mark) => mark.locate(left, out),
            None => Some(left),
        }
    }

    /// Words taken out so far.
    #[must_use]
    pub fn words_removed(&self) -> u64 {
        self.editor.as_deref().map_or(0, Editor::words_removed)
    }

    /// Words taken out because they repeat what was opened in the request.
    #[must_use]
    pub fn words_repeated(&self) -> u64 {
        self.editor.as_deref().map_or(0, Editor::words_repeated)
    }

    /// Blobs that were left in the place of reasoning.
    #[must_use]
    pub fn blocks_sealed(&self) -> u64 {
        self.editor.as_deref().map_or(0, Editor::blocks_sealed)
    }

    /// Reasoning sections that ended without having begun.
    #[must_use]
    pub fn unopened_reasoning(&self) -> u64 {
        self.editor.as_deref().map_or(0, Editor::unopened_reasoning)
    }

    /// Markup that looks like that of reasoning and is none that is known.
    #[must_use]
    pub fn unknown_markup(&self) -> u64 {
        self.editor.as_deref().map_or(0, Editor::unknown_markup)
    }

    /// The dialects in which the text held reasoning.
    #[must_use]
    pub fn dialects(&self) -> Dialects {
        self.editor.as_deref().map_or_else(Dialects::default, Editor::dialects)
    }

    /// Whether the text stands in reasoning.
    #[must_use]
    pub fn reasons(&self) -> bool {
        self.editor.as_deref().is_some_and(Editor::reasons)
    }

    /// Whether the reasoning in which the text stands goes on in the one behind it.
    #[must_use]
    pub fn leaves_open(&self) -> bool {
        self.editor.as_deref().is_some_and(Editor::leaves_open)
    }

    /// Another text may begin here instead.
    pub fn begin_again(&mut self) {
        self.editor.iter_mut().for_each(|editor| editor.begin_again());
    }

    /// A tool is called behind the text.
    pub fn call(&mut self) {
        self.editor.iter_mut().for_each(|editor| editor.call());
    }

    /// Whether all that is held back may be reasoning that the text behind it closes.
    #[must_use]
    pub fn puts_off(&self) -> bool {
        self.editor.as_deref().is_some_and(Editor::puts_off)
    }

    /// Gives what is held back, and what is to become of it, to the text behind it; whatever comes
    /// here yet is withheld.
    #[must_use]
    pub fn hand_over(&mut self) -> Self {
        std::mem::replace(self, Self::new(Some(reasoning::editor(Keep::None)), None))
    }

    /// Whether anything of an answer has gone out, if only white space.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.editor.as_deref().is_some_and(Editor::has_begun)
    }

    /// Whether an editor holds text back that is more than to be marked.
    #[must_use]
    pub fn withholds(&self) -> bool {
        self.editor.as_deref().is_some_and(Editor::withholds)
    }

    /// The response turns out to carry its reasoning in members of its own.
    pub fn tell_apart(&mut self) {
        if let Some(editor) = &mut self.editor {
            editor.tell_apart();
        }
    }

    /// Sites that carry a bit of the mark, and those of them at which a word was exchanged.
    #[must_use]
    pub fn marked(&self) -> (u64, u64) {
        self.mark.as_deref().map_or((0, 0), Mark::counts)
    }
}

/// Marks a text but for the markers in it, which leave when they come. Where the first one stands.
fn mark_between(
    mark: &mut Mark,
    text: &str,
    markers: &[Range<usize>],
    out: &mut String,
) -> Option<Range<usize>> {
    let mut from = 0;
    let mut first = None;
    for marker in markers {
        mark.push(text.get(from..marker.start).unwrap_or_default(), out);
        mark.flush(out);
        let start = out.len();
        mark.pass(text.get(marker.clone()).unwrap_or_default(), out);
        first.get_or_insert(start..out.len());
        from = marker.end;
    }
    mark.push(text.get(from..).unwrap_or_default(), out);
    first
}
