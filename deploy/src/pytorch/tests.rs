use bonas_spaces::catalogue::SPACES;
use bonas_spaces::network::{Shape, SkeletonSize, Union};

use super::*;

/// The source of an architecture's network on grey images of 8x8 pixels.
fn of(space: &str, arch: &str, size: &SkeletonSize) -> String {
    let space = SPACES.get(space).unwrap().space();
    let networks = space.network().unwrap();
    let union = Union::of(&[space.parse(arch).unwrap()]).unwrap();
    let size = SkeletonSize { image: Some(Shape::square(1, 8)), classes: Some(2), ..*size };
    let network = networks.skeleton().build(&size).unwrap().network(&union, &networks.ops()).unwrap();
    let input = Input { channels: 1, height: 8, width: 8, mean: vec![0.5], std: vec![0.25] };
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
    let input = Input { channels: 1, height: 8, width: 8, mean: vec![0.5], std: vec![0.25] };
    let classes = ["a\"b".to_owned(), "c\\".to_owned()];
    let lines = vec!["\"\"\" \\".to_owned()];
    let head = parts::head(&About { lines, cells: &[], classes: &classes, input: &input });
    assert!(head.contains("CLASSES = [\"a\\\"b\", \"c\\\\\"]\n"), "{head}");
    assert!(
        head.starts_with("\"\"\"An image classifier found by architecture search.\n\n''' \\\\\n\"\"\"\n"),
        "{head}"
    );
}
