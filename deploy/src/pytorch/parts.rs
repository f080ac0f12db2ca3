//! Parts of the source that no architecture changes.

use std::fmt::Write;

use super::About;
use super::code::{Code, statement, string};
use super::layers::Helper;
use crate::folder::Input;

/// Docstring, imports and constants.
pub(super) fn head(about: &About<'_>) -> String {
    let mut text = "\"\"\"An image classifier found by architecture search.\n".to_owned();
    for line in &about.lines {
        let line = line.replace('\\', "\\\\").replace("\"\"\"", "'''");
        let _ = write!(text, "\n{line}");
    }
    if !about.lines.is_empty() {
        text.push('\n');
    }
    text += "\"\"\"\n\nfrom __future__ import annotations\n\nimport argparse\nfrom pathlib import Path\n\nimport torch\n\
             from safetensors.torch import load_file\nfrom torch import Tensor, nn\n\n";
    let Input { channels, height, width, mean, std, .. } = about.input;
    let list = |items: Vec<String>| Code::List(items.into_iter().map(Code::Atom).collect());
    let numbers = |numbers: &[f32]| list(numbers.iter().map(|number| format!("{number:?}")).collect());
    text += &statement(0, "CLASSES = ", &list(about.classes.iter().map(|name| string(name)).collect()));
    let _ = writeln!(text, "IMAGE = ({channels}, {height}, {width})  # channels, height, width");
    text += &statement(0, "MEAN = ", &numbers(mean));
    text += &statement(0, "STD = ", &numbers(std));
    text + "WEIGHTS = Path(__file__).with_name(\"model.safetensors\")\n\n\n"
}

/// A module of our own.
pub(super) fn helper(helper: Helper) -> &'static str {
    match helper {
        Helper::Sum => SUM,
        Helper::Concat => CONCAT,
        Helper::Shift => SHIFT,
        Helper::Truncate => TRUNCATE,
        Helper::SqueezeExcite => SQUEEZE_EXCITE,
        Helper::HardSqueezeExcite => HARD_SQUEEZE_EXCITE,
    }
}

const SUM: &str = r#"class Sum(nn.ModuleList):
    """The sum of branches on one input."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__(branches)

    def forward(self, x: Tensor) -> Tensor:
        first, *others = (branch(x) for branch in self)
        for other in others:
            first = first + other
        return first


"#;

const CONCAT: &str = r#"class Concat(nn.ModuleList):
    """Branches on one input, concatenated along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], dim=1)


"#;

const SHIFT: &str = r#"class Shift(nn.Module):
    """Drops the first row and the first column."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 1:, 1:]


"#;

const TRUNCATE: &str = r#"class Truncate(nn.Module):
    """Keeps the first channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return x[:, : self.channels]


"#;

const SQUEEZE_EXCITE: &str = r#"class SqueezeExcite(nn.Module):
    """A factor for each channel (Hu et al. 2018)."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(channels, squeeze)
        self.wide = nn.Linear(squeeze, channels)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = nn.functional.silu(self.narrow(x.mean(dim=(2, 3))))
        factors = torch.sigmoid(self.wide(squeezed))
        return x * factors[:, :, None, None]


"#;

const HARD_SQUEEZE_EXCITE: &str = r#"class HardSqueezeExcite(nn.Module):
    """A factor for each channel, of piecewise linear functions (Howard et al. 2019)."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(channels, squeeze)
        self.wide = nn.Linear(squeeze, channels)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = nn.functional.relu(self.narrow(x.mean(dim=(2, 3))))
        factors = nn.functional.hardsigmoid(self.wide(squeezed))
        return x * factors[:, :, None, None]


"#;

/// `load` and `read_image`.
pub(super) fn images(input: &Input) -> String {
    let mode = if input.channels == 1 { "L" } else { "RGB" };
    let [height, width, reduced] = match input.reading.shrink {
        1 => ["height".to_owned(), "width".to_owned(), String::new()],
        by => [format!("{by} * height"), format!("{by} * width"), format!(".reduce({by})")],
    };
    let (about, square, scaled) = match input.reading.resize {
        None => (
            "The largest square in the middle of an image file",
            r"    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
"
            .to_owned(),
            format!("    image = image.resize(({width}, {height}), Image.Resampling.BILINEAR)"),
        ),
        Some(side) => (
            "The middle of an image file",
            String::new(),
            format!(
                r"    side = min(image.size)
    size = ({side} * image.width // side, {side} * image.height // side)
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((image.width - {width}) / 2), round((image.height - {height}) / 2)
    image = image.crop((left, top, left + {width}, top + {height}))"
            ),
        ),
    };
    let colour = match input.reading.background {
        [255, 255, 255] => "white".to_owned(),
        [red, green, blue] => format!("#{red:02x}{green:02x}{blue:02x}"),
    };
    format!(
        r#"def load(weights: str | Path = WEIGHTS) -> Network:
    """The network with its weights, ready to classify."""
    network = Network()
    network.load_state_dict(load_file(weights), strict=True)
    return network.eval()


def read_image(path: str | Path) -> Tensor:
    """{about}, on {colour}, scaled and normalised: [C, H, W]."""
    from PIL import Image, ImageOps

    channels, height, width = IMAGE
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file).convert("RGBA")
{square}    background = Image.new("RGBA", image.size, "{colour}")
    image = Image.alpha_composite(background, image).convert("RGB")
{scaled}.convert("{mode}"){reduced}
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    pixels = pixels.view(height, width, channels).permute(2, 0, 1) / 255
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


"#
    )
}

/// `main`.
pub(super) const MAIN: &str = r#"@torch.no_grad()
def main() -> None:
    """Classifies image files."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("images", nargs="+", type=Path, help="image files")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="default: beside this file")
    arguments = parser.parse_args()
    network = load(arguments.weights)
    for path in arguments.images:
        probabilities = network(read_image(path)[None]).softmax(dim=1)[0]
        best = int(probabilities.argmax())
        print(f"{path}: {CLASSES[best]} ({100 * probabilities[best]:.1f} %)")


if __name__ == "__main__":
    main()
"#;
