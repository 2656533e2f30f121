//! Sizes of elements, all followed by one observer: whatever was laid out anew is measured in one go, before anything is drawn with it. An observer each
//! would have the page laid out again after every figure that is drawn.

use std::cell::RefCell;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver, ResizeObserverEntry};
use yew::prelude::*;

/// Who is told of which element.
struct Watch {
    element: Element,
    told: UseStateHandle<[f64; 2]>,
}

struct Observer {
    observer: ResizeObserver,
    watched: Vec<Watch>,
    _hear: Closure<dyn FnMut(js_sys::Array)>,
}

thread_local! {
    static OBSERVER: RefCell<Option<Observer>> = const { RefCell::new(None) };
}

/// Told after layout and before painting, once for all elements whose size is new.
fn hear(entries: js_sys::Array) {
    let elements: Vec<Element> = entries.iter().filter_map(|e| e.dyn_into::<ResizeObserverEntry>().ok()).map(|e| e.target()).collect();
    let told = OBSERVER.with_borrow(|o| {
        let watched = o.iter().flat_map(|o| &o.watched);
        watched.filter(|w| elements.contains(&w.element)).map(|w| (w.told.clone(), size(&w.element))).collect::<Vec<_>>()
    });
    told.into_iter().for_each(|(told, size)| told.set(size));
}

fn size(element: &Element) -> [f64; 2] {
    [f64::from(element.client_width()), f64::from(element.client_height())]
}

fn follow(element: &Element, told: UseStateHandle<[f64; 2]>) {
    OBSERVER.with_borrow_mut(|kept| {
        if kept.is_none() {
            let hear = Closure::<dyn FnMut(js_sys::Array)>::new(hear);
            *kept = ResizeObserver::new(hear.as_ref().unchecked_ref()).ok().map(|observer| Observer { observer, watched: Vec::new(), _hear: hear });
        }
        if let Some(o) = kept {
            o.observer.observe(element);
            o.watched.push(Watch { element: element.clone(), told });
        }
    });
}

fn leave(element: &Element) {
    OBSERVER.with_borrow_mut(|kept| {
        if let Some(o) = kept {
            o.observer.unobserve(element);
            o.watched.retain(|w| w.element != *element);
        }
    });
}

/// Whole CSS pixels of an element, followed while it is resized; `[0, 0]` until it is on the page.
#[hook]
pub fn use_size(node: &NodeRef) -> [f64; 2] {
    let size = use_state_eq(|| [0.0, 0.0]);
    {
        let (node, size) = (node.clone(), size.clone());
        use_effect_with((), move |()| {
            let element = node.cast::<Element>();
            if let Some(element) = &element {
                follow(element, size);
            }
            move || {
                if let Some(element) = element {
                    leave(&element);
                }
            }
        });
    }
    *size
}
