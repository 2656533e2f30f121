//! The real sample of London, with its mixed coordinate systems.

use espalier_nets::geo::{Columns, Crs, places, read_csv, read_geojson};
use espalier_tests::places::shared;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(shared().join("data/london").join(name)).expect("the sample is there")
}

#[test]
fn both_coordinates_of_every_described_point_are_one_place() {
    let csv = read_csv(&file("poi_desc_sampled.csv"), usize::MAX).expect("a CSV");
    let t = &csv.table;
    assert_eq!((csv.separator, t.rows.len(), t.faults.len()), (',', 1000, 0));
    let grid = places(t, t.guess().expect("eastings and northings")).expect("places");
    assert_eq!((grid.crs, grid.points.len()), (Crs::BritishGrid, 1000));
    let degrees = Columns { x: t.column("longitude").expect("there"), y: t.column("latitude").expect("there"), crs: None };
    let degrees = places(t, degrees).expect("places");
    assert_eq!(degrees.crs, Crs::Wgs84);
    let (mut worst, mut mean): (f64, [f64; 2]) = (0.0, [0.0; 2]);
    for (a, b) in grid.points.iter().zip(&degrees.points) {
        let b = Crs::Wgs84.to(Crs::BritishGrid, *b);
        let off = [a[0] - b[0], a[1] - b[1]];
        worst = worst.max(off[0].hypot(off[1]));
        (0..2).for_each(|axis| mean[axis] += off[axis] / 1000.0);
    }
    // The sample's degrees are not its metres: they scatter about them by up to 350 m. PROJ's own transformation finds them (46.735, 53.061) m apart on average; a datum
    // that was left out would add some 110 m to that, and 1 m is far below what either transformation is good to.
    let by_proj = [46.735, 53.061];
    let apart = (0..2).map(|axis| (mean[axis] - by_proj[axis]).abs()).fold(0.0, f64::max);
    assert!(worst < 360.0 && apart < 1.0, "{worst} m apart at most, {mean:?} m on average");
}

#[test]
fn the_labelled_points_are_read_in_their_own_systems() {
    let t = read_geojson(&file("sampled_points_landuse.geojson"), usize::MAX).expect("GeoJSON");
    let p = places(&t, t.guess().expect("coordinates")).expect("places");
    assert_eq!((p.crs, p.points.len()), (Crs::BritishGrid, 6697));
    let t = read_geojson(&file("london_lsoa_pwc_ns-sec_latlon.geojson"), usize::MAX).expect("GeoJSON");
    let p = places(&t, t.guess().expect("coordinates")).expect("places");
    assert_eq!(p.crs, Crs::Wgs84);
    assert!(p.points.len() > 4900 && p.faults.is_empty(), "{}", p.points.len());
}
