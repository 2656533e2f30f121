//! What can be found at a point (155 categories in 16 groups), and how land is used (8 ways): invented lists, of things that every town has.

/// Land use classes, in the order of their numbers.
pub const USES: [&str; 8] = ["terraced homes", "suburban homes", "high street", "old town", "offices", "industry", "campus", "green"];

/// A group of categories: its name, how often it is found on each use of land (in the order of [`USES`]), and its categories.
pub struct Group {
    /// Name.
    pub name: &'static str,
    /// Relative frequency by land use.
    pub weights: [f64; 8],
    /// Categories, plural, lower case.
    pub kinds: &'static [&'static str],
}

/// All groups.
pub const GROUPS: [Group; 16] = [
    Group { name: "eating and drinking", weights: [1.0, 0.3, 3.2, 5.0, 1.6, 0.4, 0.9, 0.3], kinds: &["restaurants", "cafés", "coffee shops", "takeaways", "pubs", "wine bars", "cocktail bars", "ice cream parlours", "tea rooms", "sandwich bars"] },
    Group { name: "food retail", weights: [2.0, 0.9, 2.6, 1.6, 0.5, 0.3, 0.5, 0.1], kinds: &["butchers", "greengrocers", "supermarkets", "corner shops", "delicatessens", "fishmongers", "off-licences", "market stalls", "confectioners", "health food shops"] },
    Group { name: "retail", weights: [0.7, 0.3, 4.2, 2.4, 0.5, 0.4, 0.2, 0.1], kinds: &["clothes shops", "shoe shops", "bookshops", "jewellers", "opticians", "furniture shops", "electrical shops", "hardware shops", "florists", "toy shops"] },
    Group { name: "personal services", weights: [2.0, 1.0, 2.4, 0.8, 0.5, 0.2, 0.2, 0.1], kinds: &["hairdressers", "barbers", "beauty salons", "launderettes", "dry cleaners", "tailors", "shoe repairers", "nail bars", "tattoo studios", "photographers"] },
    Group { name: "finance and law", weights: [0.3, 0.2, 1.6, 1.1, 4.4, 0.3, 0.2, 0.0], kinds: &["banks", "solicitors", "accountants", "insurance brokers", "estate agents", "mortgage advisers", "notaries", "investment managers", "money changers", "auditors"] },
    Group { name: "business services", weights: [0.3, 0.2, 0.6, 0.6, 5.0, 1.0, 0.9, 0.0], kinds: &["advertising agencies", "architects", "software houses", "consultants", "recruitment agencies", "translators", "surveyors", "shared offices", "call centres", "research institutes"] },
    Group { name: "education", weights: [1.3, 1.5, 0.4, 0.5, 0.4, 0.2, 5.0, 0.3], kinds: &["primary schools", "secondary schools", "nurseries", "colleges", "lecture halls", "libraries", "music schools", "language schools", "laboratories", "student halls"] },
    Group { name: "health", weights: [1.2, 1.0, 1.2, 0.4, 0.6, 0.2, 3.6, 0.2], kinds: &["doctors’ surgeries", "dentists", "pharmacies", "hospital wards", "clinics", "vets", "physiotherapists", "nursing homes", "hearing centres", "blood donor centres"] },
    Group { name: "transport", weights: [2.2, 2.6, 2.0, 1.0, 1.8, 2.6, 1.8, 1.0], kinds: &["bus stops", "tram stops", "railway stations", "taxi ranks", "car parks", "petrol stations", "cycle hire", "ferry landings", "bus depots", "charging points"] },
    Group { name: "manufacture", weights: [0.2, 0.1, 0.1, 0.1, 0.3, 5.0, 0.2, 0.0], kinds: &["foundries", "joineries", "printers", "breweries", "industrial bakeries", "chemical works", "textile mills", "engineering works", "glassworks", "metal finishers"] },
    Group { name: "storage and repair", weights: [0.5, 0.4, 0.3, 0.1, 0.2, 4.6, 0.2, 0.1], kinds: &["warehouses", "car repairers", "scrapyards", "builders’ merchants", "tyre fitters", "distribution depots", "tool hire", "cold stores", "plant hire", "container yards"] },
    Group { name: "sport and play", weights: [0.8, 1.8, 0.3, 0.2, 0.4, 0.2, 1.6, 4.2], kinds: &["playing fields", "tennis courts", "swimming pools", "gyms", "playgrounds", "bowling greens", "climbing halls", "football pitches", "allotments", "riding schools"] },
    Group { name: "parks and nature", weights: [0.3, 1.2, 0.1, 0.3, 0.2, 0.1, 0.6, 5.0], kinds: &["public gardens", "ponds", "woods", "viewpoints", "picnic places", "bandstands", "footpaths", "meadows", "bird hides", "fountains"] },
    Group { name: "culture and faith", weights: [0.8, 0.5, 0.9, 3.4, 0.7, 0.1, 1.2, 0.4], kinds: &["theatres", "museums", "galleries", "churches", "mosques", "synagogues", "concert halls", "cinemas", "community centres", "monuments"] },
    Group { name: "public life", weights: [1.6, 1.6, 1.0, 1.2, 1.2, 0.8, 0.8, 0.8], kinds: &["post offices", "post boxes", "police stations", "fire stations", "council offices", "courts", "public toilets", "recycling points", "town halls", "telephone boxes"] },
    Group { name: "lodging", weights: [0.3, 0.2, 0.6, 2.4, 1.0, 0.1, 0.4, 0.1], kinds: &["hotels", "hostels", "guest houses", "serviced flats", "bed and breakfasts"] },
];

/// Number of categories.
pub fn count() -> usize {
    GROUPS.iter().map(|g| g.kinds.len()).sum()
}

/// Group of each category, in their order.
pub fn groups() -> Vec<usize> {
    GROUPS.iter().enumerate().flat_map(|(i, g)| g.kinds.iter().map(move |_| i)).collect()
}

/// The descriptions of all categories, in the paper's words: “A place of X, a type of Y”.
pub fn texts() -> Vec<String> {
    GROUPS.iter().flat_map(|g| g.kinds.iter().map(|k| format!("A place of {k}, a type of {}", g.name))).collect()
}
