//! Writes networks of every space as model folders, with what the network of this program says of some images, so that
//! `compare.py` beside this file can hold PyTorch and ONNX Runtime against it: `cargo xtask deploy` does both.
//!
//! `cargo run --example exported -- FOLDER`

#![allow(clippy::print_stdout, reason = "figures, for whoever runs it")]

use std::path::Path;

use anyhow::Context;
use bonas::deploy::Deployed;
use bonas::deploy::folder::{CARD_FILE, FORMAT, Input, ModelCard, Reading, SpaceCard, WEIGHTS_FILE, Weights};
use bonas::deploy::onnx::{self, BatchNorm, Session};
use bonas::deploy::pytorch::{self, About};
use bonas::rand::{Rng, RngExt};
use bonas::spaces::catalogue::SPACES;
use bonas::spaces::network::{Network, Shape, SkeletonEntry, SkeletonSize, Union};
use bonas::spaces::{Architecture, SearchSpace};
use bonas::study::rng::stream;
use bonas::supernet::model::{Loss, Pass, Placement, Sgd, SgdSettings, Supernet, save_weights};
use bonas::tch::{Device, Kind, Tensor};

/// Architectures of each skeleton.
const ARCHITECTURES: u64 = 3;
/// Images that they are compared on.
const IMAGES: usize = 8;

fn main() -> anyhow::Result<()> {
    let out = std::env::args_os().nth(1).context("which folder? give one")?;
    bonas::tch::set_num_threads(1);
    let mut seen: Vec<&str> = Vec::new();
    for entry in SPACES.iter() {
        let space = entry.space();
        let Some(networks) = space.network() else { continue };
        let default = networks.skeleton().name;
        for skeleton in networks.skeletons() {
            // Spaces share skeletons; each has its own in any case.
            if seen.contains(&skeleton.name) && skeleton.name != default {
                continue;
            }
            if networks.trainable(skeleton).is_err() {
                continue;
            }
            seen.push(skeleton.name);
            for i in 0..ARCHITECTURES {
                let architecture = space.sample(&mut stream(i, &[]));
                let name = format!("{}-{}-{i}", space.name(), skeleton.name);
                let folder = Path::new(&out).join(&name);
                std::fs::create_dir_all(&folder)?;
                write(&*space, skeleton, &architecture, &folder).with_context(|| name)?;
            }
        }
    }
    Ok(())
}

/// Writes one network, its folder, its source, and what it says.
fn write(
    space: &dyn SearchSpace,
    skeleton: &SkeletonEntry,
    architecture: &Architecture,
    folder: &Path,
) -> anyhow::Result<()> {
    let size = SkeletonSize {
        channels: Some(8),
        layers: Some(4),
        image: Some(Shape::square(3, 32)),
        classes: Some(5),
        ..SkeletonSize::default()
    };
    let networks = space.require_network()?;
    let union = Union::of(std::slice::from_ref(architecture))?;
    let network = skeleton.build(&size)?.network(&union, &networks.ops())?;
    let deployed = Deployed::new(&network)?;
    let mut rng = stream(7, &[]);
    let net = Supernet::build(&network, Placement::on(Device::Cpu), &mut rng)?;
    let path = net.path(&union.full_route())?;
    let images = noise(&mut rng, IMAGES, network.image());
    // So that running statistics are those of some images.
    for _ in 0..3 {
        let _ = net.forward(&images, &path, &mut Pass::train())?;
    }
    let trained = folder.join("trained.safetensors");
    save_weights(&trained, &net)?;
    let key = architecture.key().to_string();
    let weights = Weights::of_supernet(&trained, &std::fs::read(&trained)?, &deployed, &key)?;
    std::fs::write(folder.join(WEIGHTS_FILE), weights.bytes())?;
    let card = card(space, skeleton, architecture, &deployed)?;
    std::fs::write(folder.join(CARD_FILE), card.to_json()?)?;
    let about =
        About { lines: Vec::new(), cells: space.cell_names(), classes: &card.classes, input: &card.input };
    std::fs::write(folder.join("model.py"), pytorch::source(&deployed, &about)?)?;
    let logits = net.forward(&images, &path, &mut Pass::eval())?.logits; // [B, K]
    for (file, batch_norm) in [("model.onnx", BatchNorm::Kept), ("folded.onnx", BatchNorm::Folded)] {
        let bytes = onnx::model(&deployed, &weights, &card, batch_norm)?;
        std::fs::write(folder.join(file), &bytes)?;
        let apart = by_tract(&bytes, network.image(), &images, &logits)?;
        println!("{} tract {apart:.1e}", folder.join(file).display());
    }
    expected(&net, &network, &images, folder)
}

/// How far what tract says of a file is from the logits `[B, K]` of the network.
fn by_tract(file: &[u8], image: Shape, images: &Tensor, logits: &Tensor) -> anyhow::Result<f64> {
    let pixels: Vec<f32> = Vec::try_from(images.contiguous().view([-1]))?;
    let logits: Vec<Vec<f32>> = Vec::try_from(logits)?;
    let apart = onnx::difference(&Session::new(file, image, IMAGES)?.logits(&pixels)?, &logits);
    anyhow::ensure!(apart <= 1e-5, "tract's logits differ by {apart:.1e} of the largest");
    Ok(apart)
}

/// Numbers of a normal distribution would do as well; `[n, C, H, W]`.
fn noise(rng: &mut dyn Rng, n: usize, shape: Shape) -> Tensor {
    let numbers: Vec<f32> = (0..n * shape.len()).map(|_| rng.random_range(-2.0..2.0)).collect();
    Tensor::from_slice(&numbers).view([n, shape.channels, shape.height, shape.width].map(|n| n as i64))
}

fn card(
    space: &dyn SearchSpace,
    skeleton: &SkeletonEntry,
    architecture: &Architecture,
    deployed: &Deployed,
) -> anyhow::Result<ModelCard> {
    let Shape { channels, height, width } = deployed.image();
    Ok(ModelCard {
        format: FORMAT,
        program: concat!("bonas ", env!("CARGO_PKG_VERSION")).to_owned(),
        space: SpaceCard { name: space.name().to_owned(), text: None },
        architecture: space.format(architecture)?,
        key: architecture.key().to_string(),
        skeleton: skeleton.name.to_owned(),
        channels: Some(8),
        layers: Some(4),
        input: Input {
            channels,
            height,
            width,
            mean: vec![0.0; channels],
            std: vec![1.0; channels],
            reading: Reading::default(),
        },
        classes: (0..deployed.classes()).map(|class| class.to_string()).collect(),
        training: None,
        params: deployed.params(),
        macs: deployed.macs()?,
    })
}

/// Writes images, labels, logits, and loss and gradient norm in training.
fn expected(net: &Supernet, network: &Network, images: &Tensor, folder: &Path) -> anyhow::Result<()> {
    let path = net.path(&network.full_route())?;
    let logits = net.forward(images, &path, &mut Pass::eval())?.logits; // [B, K]
    let labels: Vec<i64> = (0..IMAGES as i64).map(|i| i % 5).collect();
    let labels = Tensor::from_slice(&labels); // [B]
    // In double precision: in single, a ReLU at zero may be on one side here and on the other there.
    let exact = Supernet::build(network, Placement::exact(), &mut stream(7, &[]))?;
    for (id, (_, tensor)) in net.params().iter().enumerate() {
        exact.params().set(id, &tensor.to_kind(Kind::Double))?;
    }
    let path = exact.path(&network.full_route())?;
    let output = exact.forward(images, &path, &mut Pass::train())?;
    let loss = Loss::default().of(&output, &labels)?; // []
    let settings = SgdSettings { clip: Some(1e9), ..SgdSettings::default() };
    let norm = Sgd::new(settings, &exact)?.step(&exact, path.params(), &loss, 0.0)?; // []
    let tensors = [
        ("images", images.shallow_clone()),
        ("labels", labels),
        ("logits", logits),
        ("loss", loss.detach()),
        ("norm", norm),
    ];
    Ok(Tensor::write_safetensors(&tensors, folder.join("expected.safetensors"))?)
}
