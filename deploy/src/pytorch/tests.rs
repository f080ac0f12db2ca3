use bonas_spaces::catalogue::SPACES;
use bonas_spaces::network::{Shape, SkeletonSize, Union};

use super::layers::Helper;
use super::*;
use crate::folder::Reading;

/// The source of an architecture's network on grey images of 8x8 pixels.
fn of(space: &str, arch: &str, size: &SkeletonSize) -> String {
    let space = SPACES.get(space).unwrap().space();
    let networks = space.network().unwrap();
    let union = Union::of(&[space.parse(arch).unwrap()]).unwrap();
    let size = SkeletonSize { image: Some(Shape::square(1, 8)), classes: Some(2), ..*size };
    let network = networks.skeleton().build(&size).unwrap().network(&union, &networks.ops()).unwrap();
    let input = Input {
        channels: 1,
        height: 8,
        width: 8,
        mean: vec![0.5],
        std: vec![0.25],
        reading: Reading::default(),
    };
    let classes = ["no", "yes"].map(String::from);
    let about = About { lines: Vec::new(), cells: space.cell_names(), classes: &classes, input: &input };
    source(&Deployed::new(&network).unwrap(), &about).unwrap()
}

/// The definition that begins with `head`.
fn definition(source: &str, head: &str) -> String {
    let start = source.find(head).unwrap_or_else(|| panic!("no {head} in\n{source}"));
    let rest = &source[start..];
    rest[..rest.find("\n\n\n").unwrap()].to_owned()
}

#[test]
fn operations_are_functions_and_cells_are_classes() {
    let size = SkeletonSize { channels: Some(4), layers: Some(6), ..SkeletonSize::default() };
    let source = of("darts", "DARTS_V2", &size);
    assert_eq!(
        definition(&source, "def relu_conv_bn("),
        "def relu_conv_bn(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out))"
    );
    assert_eq!(
        definition(&source, "def max_pool_3x3("),
        "def max_pool_3x3() -> nn.Sequential:
    return nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1))"
    );
    let normal = definition(&source, "class NormalCell(");
    assert!(
        normal.contains("    def __init__(self, c_prev_prev: int, c_prev: int, channels: int) -> None:"),
        "{normal}"
    );
    assert!(normal.contains("        self.preprocess1 = relu_conv_bn(c_prev, channels)\n"), "{normal}");
    assert!(normal.ends_with("        return torch.cat([s2, s3, s4, s5], dim=1)"), "{normal}");
    assert!(source.contains("        self.cell0 = NormalCell(12, 12, 4)\n"), "{source}");
    assert!(source.contains("        cell1 = self.cell1(stem, cell0)\n"), "{source}");
}

/// A separable convolution stands in both cells, at stride 1 and 2.
#[test]
fn numbers_that_differ_are_parameters() {
    let size = SkeletonSize { channels: Some(4), layers: Some(3), ..SkeletonSize::default() };
    let source = of("darts", "PC_DARTS_cifar", &size);
    let separable = definition(&source, "def sep_conv_5x5(");
    assert!(
        separable.starts_with("def sep_conv_5x5(channels: int, stride: int) -> nn.Sequential:"),
        "{separable}"
    );
    let depthwise =
        "nn.Conv2d(channels, channels, 5, stride=stride, padding=2, groups=channels, bias=False),";
    assert!(separable.contains(depthwise), "{separable}");
}

#[test]
fn a_chain_of_single_operations_has_no_classes() {
    let arch = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|";
    let size = SkeletonSize { channels: Some(4), layers: Some(1), ..SkeletonSize::default() };
    let source = of("nasbench201", arch, &size);
    assert_eq!(
        definition(&source, "def nor_conv_3x3("),
        "def nor_conv_3x3(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
    )"
    );
    assert!(!source.contains("Cell"), "{source}");
    assert!(source.contains("        x = self.stage0_cell0(x)\n"), "{source}");
    assert!(source.contains("        return self.classifier(x)\n"), "{source}");
}

#[test]
fn texts_of_the_user_are_quoted() {
    let input = Input {
        channels: 1,
        height: 8,
        width: 8,
        mean: vec![0.5],
        std: vec![0.25],
        reading: Reading::default(),
    };
    let classes = ["a\"b".to_owned(), "c\\".to_owned()];
    let lines = vec!["\"\"\" \\".to_owned()];
    let head = parts::head(&About { lines, cells: &[], classes: &classes, input: &input });
    assert!(head.contains("CLASSES = [\"a\\\"b\", \"c\\\\\"]\n"), "{head}");
    assert!(
        head.starts_with("\"\"\"An image classifier found by architecture search.\n\n''' \\\\\n\"\"\"\n"),
        "{head}"
    );
}

/// What the fixed parts of a source define and call, no function of an operation may replace.
#[test]
fn names_that_the_source_uses_are_taken() {
    let input = Input {
        channels: 1,
        height: 8,
        width: 8,
        mean: vec![0.5],
        std: vec![0.25],
        reading: Reading::default(),
    };
    let mut fixed = parts::images(&input) + parts::MAIN;
    for helper in [
        Helper::Sum,
        Helper::Concat,
        Helper::Shift,
        Helper::Truncate,
        Helper::SqueezeExcite,
        Helper::HardSqueezeExcite,
    ] {
        fixed += parts::helper(helper);
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut seen = Vec::new();
    for (at, _) in fixed.match_indices(['(', ':']) {
        let before = &fixed[..at];
        let name = &before[before.rfind(|c| !is_letter(c)).map_or(0, |end| end + 1)..];
        let start = at - name.len();
        let is_call = fixed[at..].starts_with('(') && !fixed[..start].ends_with('.');
        if is_call
            && !name.is_empty()
            && !name.starts_with("__")
            && !["forward", "network", "branch"].contains(&name)
        {
            seen.push(name);
        }
    }
    for annotation in ["int", "str"] {
        assert!(fixed.contains(&format!(": {annotation}")), "{annotation}");
        seen.push(annotation);
    }
    assert!(
        ["super", "min", "print", "bytearray", "HardSqueezeExcite", "int"]
            .iter()
            .all(|name| seen.contains(name)),
        "{seen:?}"
    );
    for name in seen {
        assert!(network::TAKEN.contains(&name), "{name} is not taken");
    }
}

/// A model that was trained on shrunk images, on another background.
#[test]
fn images_are_read_as_in_training() {
    let input =
        |reading| Input { channels: 3, height: 8, width: 8, mean: vec![0.5; 3], std: vec![0.25; 3], reading };
    let plain = parts::images(&input(Reading::default()));
    assert!(plain.contains("(width, height), Image.Resampling.BILINEAR).convert(\"RGB\")\n"), "{plain}");
    assert!(plain.contains("Image.new(\"RGBA\", image.size, \"white\")"), "{plain}");
    let other = parts::images(&input(Reading { shrink: 2, background: [0, 10, 255], resize: None }));
    assert!(
        other.contains("(2 * width, 2 * height), Image.Resampling.BILINEAR).convert(\"RGB\").reduce(2)\n"),
        "{other}"
    );
    assert!(other.contains("Image.new(\"RGBA\", image.size, \"#000aff\")"), "{other}");
    let cut = parts::images(&input(Reading { resize: Some(10), ..Reading::default() }));
    assert!(cut.contains("size = (10 * image.width // side, 10 * image.height // side)\n"), "{cut}");
    assert!(cut.contains("image.crop((left, top, left + width, top + height)).convert(\"RGB\")\n"), "{cut}");
}

#[test]
fn a_node_that_is_read_too_early_is_refused() {
    let (mut blocks, mut cells) = (blocks::Blocks::default(), cells::Cells::default());
    cells.add("Cell", &crate::network::tests::out_of_order(), &mut blocks).unwrap();
    let error = cells.finish(&mut crate::network::names::Names::default(), &blocks).unwrap_err();
    assert!(error.to_string().contains("a cell reads node 2 before it is computed"), "{error}");
}
