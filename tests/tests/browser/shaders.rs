//! Every shader under Chromium's own compiler: it and naga disagree in places.

use anyhow::{Result, ensure};
use espalier_kernels::KERNELS;
use espalier_tests::browser::with_page;
use serde_json::{Value, json};

#[test]
fn every_shader_compiles_under_tint() {
    with_page(async |page| -> Result<()> {
        page.open("").await?;
        let sources: Vec<Value> = KERNELS.iter().map(|k| json!([k.name, k.source])).collect();
        let script = "const [sources, done] = arguments;
            (async () => {
                const adapter = await navigator.gpu.requestAdapter();
                if (!adapter) return done(['no adapter']);
                const device = await adapter.requestDevice();
                const bad = [];
                for (const [name, code] of sources) {
                    const info = await device.createShaderModule({ code }).getCompilationInfo();
                    for (const m of info.messages) if (m.type === 'error') bad.push(`${name}:${m.lineNum}: ${m.message}`);
                }
                done(bad);
            })().catch((e) => done([String(e)]));";
        let bad = page.js_async(script, json!([sources])).await?;
        ensure!(bad == json!([]), "{bad:#}");
        ensure!(KERNELS.len() > 20, "the kernels are there");
        Ok(())
    });
}
