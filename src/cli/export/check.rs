//! An ONNX file held against the network that it was made of.

use super::Subject;

/// Images that they are compared on.
#[cfg(feature = "tract")]
const IMAGES: usize = 8;
/// Largest difference of their logits, in units of the largest.
#[cfg(all(feature = "tract", feature = "torch"))]
const MOST: f64 = 1e-4;
/// Least difference of the logits of two images, in the same unit, for which a comparison shows anything.
#[cfg(all(feature = "tract", feature = "torch"))]
const DEPEND: f64 = 1e-3;

/// Runs a file by tract, on the CPU, and compares its logits with those of the network here. Returns what was found, or
/// what could not be checked.
///
/// # Errors
/// A file that tract cannot run, or that says something else.
#[cfg(feature = "tract")]
pub(super) fn check(subject: &Subject, file: &[u8]) -> anyhow::Result<String> {
    use anyhow::{Context, ensure};
    use bonas::deploy::onnx::Session;
    use bonas::rand::RngExt;
    use bonas::study::rng::stream;

    let image = subject.network.image();
    let mut rng = stream(0, &[]);
    let pixels: Vec<f32> = (0..IMAGES * image.len()).map(|_| rng.random_range(-2.0..2.0)).collect();
    let refused = "the ONNX file is not written: it does not pass its check";
    let session = Session::new(file, image, IMAGES).context(refused)?;
    let found = session.logits(&pixels).context(refused)?;
    let finite = found.iter().flatten().all(|logit| logit.is_finite());
    ensure!(
        finite,
        "{refused}: its logits are not finite; train the network again with a lower learning rate"
    );
    compared(subject, &pixels, &found)
}

/// What was found.
#[cfg(all(feature = "tract", feature = "torch"))]
fn compared(subject: &Subject, pixels: &[f32], found: &[Vec<f32>]) -> anyhow::Result<String> {
    use bonas::build::classifier;
    use bonas::deploy::onnx::difference;
    use bonas::supernet::model::Placement;
    use bonas::tch::Device;

    let placement = Placement::on(Device::Cpu);
    let own = classifier(&subject.built, &subject.network, subject.weights()?, placement)?;
    let expected = own.logits(pixels)?;
    let apart = difference(found, &expected);
    anyhow::ensure!(
        apart <= MOST,
        "the ONNX file is not written: run by tract, its logits of {IMAGES} images differ from those of the network by \
         {apart:.1e} of the largest, and {MOST:.0e} is allowed; this is a fault of bonas: report it with the model folder"
    );
    // Of a deep network with random weights, nothing but the bias of the classifier may be left.
    let first = vec![expected[0].clone(); expected.len()];
    let alike = difference(&expected, &first) < DEPEND;
    if alike {
        return Ok(format!(
            "run by tract, its logits are those of the network, but not checked: those of {IMAGES} images are alike, as in a \
             deep network that is not trained"
        ));
    }
    Ok(format!(
        "checked: run by tract, its logits of {IMAGES} images differ from those of the network by {apart:.1e} of the largest"
    ))
}

#[cfg(all(feature = "tract", not(feature = "torch")))]
#[allow(clippy::unnecessary_wraps, reason = "with libtorch it may fail")]
fn compared(_: &Subject, _: &[f32], _: &[Vec<f32>]) -> anyhow::Result<String> {
    Ok(format!(
        "tract runs it on {IMAGES} images; not checked: whether its logits are those of the network, since this program was \
         built without libtorch (feature torch)"
    ))
}

/// Without tract nothing runs the file.
#[cfg(not(feature = "tract"))]
#[allow(clippy::unnecessary_wraps, reason = "with tract it may fail")]
pub(super) fn check(_: &Subject, _: &[u8]) -> anyhow::Result<String> {
    Ok("not checked: this program was built without tract (feature tract), which runs ONNX files".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bonas::build::named_space;
    use bonas::deploy::folder::Untrained;
    use bonas::deploy::onnx::{BatchNorm, model};
    use bonas::spaces::network::Shape;

    use super::super::Subject;
    use super::check;

    const CELL: &str =
        "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|skip_connect~2|";
    /// Three convolutions one after another.
    #[cfg(all(feature = "tract", feature = "torch"))]
    const CHAIN: &str = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|";

    fn subject(seed: u64) -> Subject {
        subject_of(CELL, 1, seed)
    }

    fn subject_of(arch: &str, layers: usize, seed: u64) -> Subject {
        let space = named_space("nasbench201", Path::new("")).unwrap();
        let (channels, layers, classes) = (Some(2), Some(layers), Some(3));
        let around =
            Untrained { channels, layers, image: Some(Shape::square(1, 8)), classes, skeleton: None };
        let architecture = space.parse(arch).unwrap();
        Subject::drawn(space, &architecture, &around, Some(seed)).unwrap()
    }

    fn file(of: &Subject) -> Vec<u8> {
        model(&of.network, of.weights().unwrap(), &of.card, BatchNorm::Kept).unwrap()
    }

    #[test]
    fn what_was_not_checked_is_told() {
        let subject = subject(1);
        let told = check(&subject, &file(&subject)).unwrap();
        let expected = match (cfg!(feature = "tract"), cfg!(feature = "torch")) {
            (true, true) => "checked: run by tract, its logits of 8 images differ",
            (true, false) => "tract runs it on 8 images; not checked: whether",
            (false, _) => "not checked: this program was built without tract",
        };
        assert!(told.starts_with(expected), "{told}");
    }

    #[cfg(all(feature = "tract", feature = "torch"))]
    #[test]
    fn a_file_of_other_weights_is_refused() {
        let error = check(&subject(1), &file(&subject(2))).unwrap_err().to_string();
        assert!(
            error.starts_with("the ONNX file is not written: run by tract, its logits of 8 images"),
            "{error}"
        );
        assert!(error.contains("1e-4 is allowed"), "{error}");
    }

    /// Activations of random weights shrink from layer to layer.
    #[cfg(all(feature = "tract", feature = "torch"))]
    #[test]
    fn logits_that_show_nothing_are_told() {
        let subject = subject_of(CHAIN, 4, 1);
        let told = check(&subject, &file(&subject)).unwrap();
        assert!(told.contains("but not checked: those of 8 images are alike"), "{told}");
    }

    #[cfg(feature = "tract")]
    #[test]
    fn a_file_that_cannot_be_run_is_refused() {
        let error = check(&subject(1), b"no network").unwrap_err();
        assert!(format!("{error:#}").contains("it does not pass its check: cannot"), "{error:#}");
    }
}
