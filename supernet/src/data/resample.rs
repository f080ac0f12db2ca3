//! Bilinear scaling of 8-bit images as Pillow before version 13 does it, to equal bits.
//!
//! Each pixel is a mean of the input's, weighted by a triangle that is as wide as the scale (antialiasing) and one pixel at
//! least. Columns are scaled first, then rows, both rounded to 8 bits (Pillow, `Resample.c`). torchvision's `Resize` and
//! `RandomResizedCrop` do this to images of Pillow. Pillow 13 scales rows first where the height becomes less by more than
//! twice what the width does, as of images that are more than twice as high as wide: its results are one step of 256 apart there.

use std::ops::Range;

/// Bits behind the point of weights.
const PRECISION: u32 = 22;

/// The weights of one axis.
pub(super) struct Axis {
    /// First input and number of inputs of each output.
    spans: Vec<(usize, usize)>,
    /// Weights of each output, `most` of them each.
    weights: Vec<i32>,
    most: usize,
    /// Whether outputs are inputs as they are.
    is_whole: bool,
}

impl Axis {
    /// Scales `from` pixels to `to`, both 1 or more, of which only those of a window are computed.
    pub(super) fn new(from: usize, to: usize, window: Range<usize>) -> Self {
        let scale = from as f64 / to as f64;
        let support = scale.max(1.0);
        let most = support.ceil() as usize * 2 + 1;
        let (mut spans, mut all) = (Vec::with_capacity(window.len()), vec![0; most * window.len()]);
        let is_whole = from == to && window == (0..to);
        for (out, weights) in window.zip(all.chunks_exact_mut(most)) {
            let centre = (out as f64 + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            let at = |input: usize| {
                let distance = ((input as f64 - centre + 0.5) / support).abs();
                (1.0 - distance).max(0.0)
            };
            let sum: f64 = (first..end).map(at).sum();
            for (weight, input) in weights.iter_mut().zip(first..end) {
                *weight = (at(input) / sum * f64::from(1 << PRECISION) + 0.5) as i32;
            }
            spans.push((first, end - first));
        }
        Self { spans, weights: all, most, is_whole }
    }

    /// The inputs that are read.
    pub(super) fn inputs(&self) -> Range<usize> {
        let first = self.spans.first().map_or(0, |(first, _)| *first);
        first..self.spans.last().map_or(first, |(first, count)| first + count)
    }

    /// The same for inputs that begin with the first that is read.
    pub(super) fn cut(mut self) -> Self {
        let first = self.inputs().start;
        self.spans.iter_mut().for_each(|span| span.0 -= first);
        self
    }

    /// First input and weights of each output.
    fn outputs(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let weights = self.weights.chunks_exact(self.most);
        self.spans.iter().zip(weights).map(|(&(first, count), weights)| (first, &weights[..count]))
    }
}

/// Half a step of the result, from which sums start.
const HALF: i32 = 1 << (PRECISION - 1);

fn rounded(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// A rectangle of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Rectangle {
    /// Scales the rectangle, which has a pixel and lies inside planes of `(rows, columns)`, to `(height, width)`, and appends
    /// the scaled planes.
    pub(super) fn scaled(
        self,
        planes: &[u8],
        (rows, columns): (usize, usize),
        (height, width): (usize, usize),
        out: &mut Vec<u8>,
    ) {
        let axes = (Axis::new(self.height, height, 0..height), Axis::new(self.width, width, 0..width));
        for plane in planes.chunks_exact(rows * columns) {
            let inside = plane.as_chunks::<1>().0.chunks_exact(columns).skip(self.top).take(self.height);
            scale(inside.map(|row| &row[self.left..self.left + self.width]), 0, &axes, out);
        }
    }
}

/// Scales a channel of rows of pixels by the axes of rows and columns, and appends the scaled plane.
pub(super) fn scale<'a, const CHANNELS: usize>(
    rows: impl Iterator<Item = &'a [[u8; CHANNELS]]>,
    channel: usize,
    (y, x): &(Axis, Axis),
    out: &mut Vec<u8>,
) {
    let width = x.spans.len();
    let mut wide = Vec::new(); // [rows, width]
    for row in rows {
        if x.is_whole {
            wide.extend(row.iter().map(|pixel| pixel[channel]));
        } else {
            wide.extend(x.outputs().map(|(first, weights)| {
                let products =
                    row[first..].iter().zip(weights).map(|(pixel, &w)| i32::from(pixel[channel]) * w);
                rounded(HALF + products.sum::<i32>())
            }));
        }
    }
    if y.is_whole {
        return out.extend(wide);
    }
    let mut sums = vec![0; width]; // [width]
    for (first, weights) in y.outputs() {
        sums.fill(HALF);
        for (row, &weight) in wide.chunks_exact(width).skip(first).zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i32::from(value) * weight;
            }
        }
        out.extend(sums.iter().map(|&sum| rounded(sum)));
    }
}
