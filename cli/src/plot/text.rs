//! Text with subscripts and superscripts, measured and laid out.
//!
//! The markup is what the rest of the program writes anyway: `M_A`, `t_B`, `W_A^tot`, `10^5`,
//! `L(M_*)`. A subscript needs a single letter before it, so that `late_fusion` stays as it is;
//! braces hold together what is not one word (`M_{video-1}`) and `\_` is a plain underscore.
//! Letters that stand for quantities are slanted.

use std::sync::LazyLock;

use super::geometry::{Point, Rect};
use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};

/// Where a piece of text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Base,
    Sub,
    Sup,
}

/// A stretch of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) slanted: bool,
    pub(super) script: Script,
}

/// Splits marked-up text into pieces.
pub(super) fn parse(markup: &str) -> Vec<Piece> {
    let chars: Vec<char> = markup.chars().collect();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let before = pieces.last().map_or(Script::Base, |piece| piece.script);
        let (piece, next) = match (c, chars.get(at + 1)) {
            ('\\', Some(c @ ('_' | '^' | '\\'))) => (base(*c, false), at + 2),
            _ => script_at(&chars, at, before)
                .unwrap_or_else(|| (base(c, is_quantity(&chars, at)), at + 1)),
        };
        match pieces.last_mut() {
            Some(last)
                if (last.script, last.slanted) == (Script::Base, piece.slanted)
                    && piece.script == Script::Base =>
            {
                last.text += &piece.text;
            }
            _ => pieces.push(piece),
        }
        at = next;
    }
    pieces
}

fn base(c: char, slanted: bool) -> Piece {
    Piece {
        text: c.to_string(),
        slanted,
        script: Script::Base,
    }
}

/// The script that starts at `at`, behind a piece that is one or none, and where reading goes on. Single
/// letters are slanted, words and numbers upright; the asterisk becomes the operator, which stands at mid
/// height.
fn script_at(chars: &[char], at: usize, before: Script) -> Option<(Piece, usize)> {
    let last = *chars.get(at.checked_sub(1)?)?;
    let (script, is_allowed) = match (*chars.get(at)?, before) {
        ('_', Script::Base) => (Script::Sub, is_single(chars, at - 1)),
        ('^', Script::Base) => (Script::Sup, last.is_alphanumeric() || last == ')'),
        // x_a^b and x^b_a, but not x_a_b.
        ('_', _) => (Script::Sub, before == Script::Sup),
        ('^', _) => (Script::Sup, before == Script::Sub),
        _ => return None,
    };
    let (group, next) = read_group(chars, at + 1).filter(|_| is_allowed)?;
    let mut letters = group.chars();
    let slanted = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
    let text = match group.strip_prefix('-') {
        Some(number) => format!("\u{2212}{number}"),
        None => group.replace('*', "\u{2217}"),
    };
    let piece = Piece {
        text,
        slanted,
        script,
    };
    Some((piece, next))
}

/// A braced group, an asterisk, or a word with an optional minus sign.
fn read_group(chars: &[char], start: usize) -> Option<(String, usize)> {
    let rest = chars.get(start..)?;
    let word = |from: usize| from + rest[from..].iter().take_while(|c| is_word(**c)).count();
    let (text, length) = match rest.first()? {
        '{' => {
            let close = rest.iter().position(|c| *c == '}')?;
            (&rest[1..close], close + 1)
        }
        '*' => (&rest[..1], 1),
        '-' => (&rest[..word(1)], word(1)),
        _ => (&rest[..word(0)], word(0)),
    };
    let is_word = text.iter().any(|c| *c != '-') || length > text.len();
    is_word.then(|| (text.iter().collect(), start + length))
}

/// Letters, digits and the underscore, of which names are made, and the ellipsis that ends
/// shortened ones.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '…')
}

/// Whether at `at` stands a letter and no word before it.
fn is_single(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|i| chars[i]);
    chars[at].is_alphabetic() && !before.is_some_and(is_word)
}

/// Whether the letter at `at` stands alone for a quantity: one with a subscript, a small Greek one, or one
/// followed by an equals sign, a bracket or a fraction's bar, or behind that bar.
fn is_quantity(chars: &[char], at: usize) -> bool {
    if !is_single(chars, at) {
        return false;
    }
    if script_at(chars, at + 1, Script::Base).is_some_and(|(piece, _)| piece.script == Script::Sub)
    {
        return true;
    }
    let rest = &chars[at + 1..];
    let next = rest.iter().find(|c| **c != ' ');
    let is_in_formula = matches!(next, Some('=' | '(' | '/')) || at > 0 && chars[at - 1] == '/';
    let is_greek = ('α'..='ω').contains(&chars[at]);
    !rest.first().is_some_and(|c| is_word(*c)) && (is_greek || is_in_formula)
}

/// A piece with its place: `x` from the line's start, `rise` downwards from its baseline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) slanted: bool,
    pub(super) size: f64,
    pub(super) x: f64,
    pub(super) rise: f64,
}

/// One line of text, laid out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
    pub(super) width: f64,
    pub(super) size: f64,
}

impl Line {
    /// From the baseline up to the top of capitals.
    pub(super) fn ascent(&self) -> f64 {
        0.74 * self.size
    }

    /// From the baseline down to the foot of subscripts and descenders.
    pub(super) fn descent(&self) -> f64 {
        0.24 * self.size
    }

    /// Its box where it is written from `at`, the start of its baseline.
    pub(super) fn rect(&self, at: Point) -> Rect {
        let height = self.ascent() + self.descent();
        Rect::at(at.0, at.1 - self.ascent(), self.width, height)
    }
}

/// The two faces of the figures, upright and slanted DejaVu Sans, embedded so that every machine
/// draws the same; read when they are first needed.
static FACES: LazyLock<Result<[FontRef<'static>; 2], String>> = LazyLock::new(|| {
    let read = |bytes| FontRef::try_from_slice(bytes).map_err(|error| error.to_string());
    let [upright, slanted] = [dejavu::sans::regular(), dejavu::sans::oblique()].map(read);
    Ok([upright?, slanted?])
});

/// The faces can be read; without them texts have no glyphs.
pub(super) fn ensure_faces() -> Result<(), String> {
    FACES.as_ref().map(|_| ()).map_err(String::clone)
}

/// Whether the upright face has a letter; the slanted one has the same.
pub(super) fn has_glyph(letter: char) -> bool {
    let faces = FACES.as_ref();
    faces.map_or(true, |[upright, _]| upright.glyph_id(letter).0 != 0)
}

/// Calls `draw` with every glyph of the text, set in `size` units an em, and its pen
/// position; returns the text's width.
pub(super) fn glyphs(
    text: &str,
    slanted: bool,
    size: f64,
    mut draw: impl FnMut(&FontRef<'static>, GlyphId, f64),
) -> f64 {
    let Ok(faces) = &*FACES else { return 0.0 };
    let face = &faces[usize::from(slanted)];
    let em = f64::from(face.units_per_em().unwrap_or(2048.0));
    // ab_glyph scales by ascent minus descent, typographers by the em.
    let scale = PxScale::from((size * f64::from(face.height_unscaled()) / em) as f32);
    let scaled = face.as_scaled(scale);
    let (mut pen, mut before) = (0.0, None);
    for c in text.chars() {
        let glyph = face.glyph_id(c);
        pen += before.map_or(0.0, |before| f64::from(scaled.kern(before, glyph)));
        draw(face, glyph, pen);
        pen += f64::from(scaled.h_advance(glyph));
        before = Some(glyph);
    }
    pen
}

/// Lays out one line of marked-up text. A superscript stands above a subscript of the same
/// letter.
pub(super) fn line_of(markup: &str, size: f64) -> Line {
    let mut runs = Vec::new();
    let (mut width, mut script_start) = (0.0_f64, 0.0);
    for piece in parse(markup) {
        let (scale, rise, x) = match piece.script {
            Script::Base => (1.0, 0.0, width),
            Script::Sub => (0.7, 0.2, script_start),
            Script::Sup => (0.7, -0.38, script_start),
        };
        let advance = glyphs(&piece.text, piece.slanted, scale * size, |_, _, _| {});
        runs.push(Run {
            text: piece.text,
            slanted: piece.slanted,
            size: scale * size,
            x,
            rise: rise * size,
        });
        match piece.script {
            Script::Base => (width, script_start) = (x + advance, x + advance),
            Script::Sub | Script::Sup => width = width.max(x + advance + 0.06 * size),
        }
    }
    Line { runs, width, size }
}
