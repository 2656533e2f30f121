//! How soon a cancel answers while a device is busy. A program of its own: a bound in milliseconds holds for this session's queue, and other
//! tests' work would be in it too.

use espalier_tensor::ops::elementwise::Affine;
use espalier_tensor::{Array, Cancel, Error};
use pollster::block_on;

#[path = "tensor/device.rs"]
mod device;

#[test]
fn a_cancel_does_not_wait_for_the_queue() {
    let Some(session) = device::gpu() else { return };
    let next = Affine { scale: 1.0, shift: 1.0 };
    let cancel = Cancel::new();
    let mine = session.with_cancel(cancel.clone());
    let mut x = mine.upload(Array::from_f32(&[1 << 18], vec![0.0; 1 << 18]));
    block_on(mine.read(&mine.run(&next, &[&x]))).expect("warm");
    for _ in 0..600 {
        x = mine.run(&next, &[&x]);
    }
    let raiser = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(5));
        let at = std::time::Instant::now();
        cancel.cancel();
        at
    });
    let result = block_on(mine.read(&x));
    let raised = raiser.join().expect("it only sleeps");
    // A device that needs less than 5 ms for all of it has nothing to cancel.
    if result.is_err() {
        assert_eq!(result, Err(Error::Cancelled));
        assert!(raised.elapsed().as_millis() < 200, "{} ms", raised.elapsed().as_millis());
    }
}
