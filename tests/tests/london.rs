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
    let (mut north, mut east): (f64, f64) = (0.0, 0.0);
    for (a, b) in grid.points.iter().zip(&degrees.points) {
        let b = Crs::Wgs84.to(Crs::BritishGrid, *b);
        north = north.max((a[1] - b[1]).abs());
        east = east.max((a[0] - b[0]).abs());
    }
    // The sample's longitudes are up to 350 m off its eastings, by PROJ as by ours, and its latitudes with them: its degrees were not made by a projection of these metres. A
    // datum that was left out (some 110 m everywhere) or swapped axes would show in the northings all the same.
    assert!(north < 20.0 && east < 360.0, "{north} m north, {east} m east");
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
