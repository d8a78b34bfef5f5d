//! Elements of arrays: numbers of any type and byte order, and texts.

/// What the bytes of an element mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 0 is false, everything else true.
    Bool,
    /// A whole number with a sign.
    Int,
    /// A whole number without a sign.
    Uint,
    /// IEEE 754, of 2, 4 or 8 bytes.
    Float,
    /// The upper half of a 4-byte float (bfloat16).
    Brain,
    /// Bytes of text, filled up with zeros.
    Bytes,
    /// Code points of 4 bytes, filled up with zeros.
    Unicode,
}

/// How an element is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element {
    /// What its bytes mean.
    pub kind: Kind,
    /// Number of bytes.
    pub size: usize,
    /// Whether the byte of the highest value comes first.
    pub is_big_endian: bool,
}

impl Element {
    /// Whether elements are texts, not numbers.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Bytes | Kind::Unicode)
    }

    /// The number in an element's bytes; whole numbers beyond 2^53 are rounded.
    pub fn number(&self, bytes: &[u8]) -> f64 {
        let bits = self.bits(bytes);
        match (self.kind, self.size) {
            (Kind::Bool, _) => f64::from(u8::from(bits != 0)),
            (Kind::Int, _) => self.signed(bits) as f64,
            (Kind::Float, 2) => half(bits),
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Brain, _) => f64::from(f32::from_bits((bits as u32) << 16)),
            (Kind::Uint | Kind::Bytes | Kind::Unicode, _) => bits as f64,
        }
    }

    /// The class that an element names; None for a number with a fraction.
    pub fn label(&self, bytes: &[u8]) -> Option<String> {
        match self.kind {
            Kind::Bool | Kind::Uint => Some(self.bits(bytes).to_string()),
            Kind::Int => Some(self.signed(self.bits(bytes)).to_string()),
            Kind::Float | Kind::Brain => {
                let number = self.number(bytes);
                (number.fract() == 0.0).then(|| format!("{number}"))
            }
            Kind::Bytes => {
                let text = String::from_utf8_lossy(bytes);
                Some(text.trim_end_matches('\0').to_owned())
            }
            Kind::Unicode => {
                let points = bytes.chunks_exact(4).map(|point| self.bits(point) as u32);
                let text = points.map(|point| char::from_u32(point).unwrap_or('\u{fffd}'));
                Some(text.collect::<String>().trim_end_matches('\0').to_owned())
            }
        }
    }

    /// At most eight bytes as one word.
    fn bits(&self, bytes: &[u8]) -> u64 {
        let join = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        match self.is_big_endian {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        }
    }

    fn signed(&self, bits: u64) -> i64 {
        let unused = 64 - 8 * self.size.min(8) as u32;
        (bits << unused) as i64 >> unused
    }
}

/// IEEE 754 binary16: sign, 5 bits of exponent, 10 bits of fraction.
fn half(bits: u64) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = ((bits >> 10 & 0x1f) as i32, (bits & 0x3ff) as f64);
    match exponent {
        0 => sign * libm::scalbn(fraction, -24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * libm::scalbn(1024.0 + fraction, exponent - 25),
    }
}
