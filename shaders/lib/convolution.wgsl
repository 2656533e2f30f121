// What the convolution and its two gradients are told, in one layout for all three.

struct Params {
    /// Images in this launch.
    images: u32,
    /// Channels in.
    channels: u32,
    /// Height in.
    height: u32,
    /// Width in.
    width: u32,
    /// Channels out.
    outputs: u32,
    /// Height out.
    out_height: u32,
    /// Width out.
    out_width: u32,
    /// Height of the filters.
    filter_height: u32,
    /// Width of the filters.
    filter_width: u32,
    /// Steps between places, down.
    step_down: u32,
    /// Steps between places, to the right.
    step_right: u32,
    /// Zeros above the image.
    pad_top: u32,
    /// Zeros left of the image.
    pad_left: u32,
    /// Channels in of one group.
    group_channels: u32,
    /// Channels out of one group.
    group_outputs: u32,
    /// First element of this launch's first input in its binding.
    a_base: u32,
    /// The same of the second input.
    b_base: u32,
    /// The same of the output.
    y_base: u32,
    /// 1 where the output is added to.
    add: u32,
}
