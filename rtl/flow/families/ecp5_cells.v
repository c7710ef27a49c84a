// Behaviour of the ECP5's block RAM and multiplier, which Yosys knows as black boxes only, as far as
// Yosys' mapping and rtl/flow/families/ecp5_pack.py use them: for simulation and proof. After Lattice
// FPGA-TN-02204 (memory usage guide) and FPGA-TN-02205 (sysDSP usage guide), and after Yosys'
// brams_map_16kd.v and dsp_map_18x18.v, which say how words lie in the blocks.

// Where a port's word lies in a row of 36 bits, by the port's width. A row is four bytes of 9 bits;
// words of 1, 2 and 4 bits use the lower 8 of each byte. Address bits below a word of 18 or 36 bits
// enable its bytes.
module ecp5_word #(
  parameter WIDTH = 18
) (
  input [13:0] address,
  output [8:0] row,
  output [5:0] shift,  // of the word in its row, bits
  output [35:0] mask   // of the enabled bits in the row
);
  wire [5:0] byte_shift = 9 * address[4:3];
  wire [35:0] enabled =
    WIDTH == 36 ? {{9{address[3]}}, {9{address[2]}}, {9{address[1]}}, {9{address[0]}}} :
    WIDTH == 18 ? {18'd0, {9{address[1]}}, {9{address[0]}}} :
    (36'd1 << WIDTH) - 36'd1;
  assign row = address[13:5];
  assign shift =
    WIDTH == 36 ? 6'd0 :
    WIDTH == 18 ? (address[4] ? 6'd18 : 6'd0) :
    WIDTH == 9 ? byte_shift :
    WIDTH == 4 ? byte_shift + {3'd0, address[2], 2'd0} :
    WIDTH == 2 ? byte_shift + {3'd0, address[2:1], 1'd0} :
    byte_shift + {3'd0, address[2:0]};
  assign mask = enabled << shift;
endmodule

// A port's output: a latch that is read into and, with OUTREG, a register behind it, a clock later.
// Both start at 0. A reset reaches both, whether they are enabled or not.
module ecp5_read_port #(
  parameter REGMODE = "NOREG",
  parameter RESETMODE = "SYNC"
) (
  input clk,
  input reset,
  input read,  // take the word in this clock
  input output_enable,
  input [35:0] word,
  output [35:0] data
);
  reg [35:0] latch = 0, register = 0;
  assign data = REGMODE == "OUTREG" ? register : latch;
  wire at_once = RESETMODE == "ASYNC" & reset;
  always @(posedge clk, posedge at_once)
    if (at_once) latch <= 0;
    else if (reset) latch <= 0;
    else if (read) latch <= word;
  always @(posedge clk, posedge at_once)
    if (at_once) register <= 0;
    else if (reset) register <= 0;
    else if (output_enable) register <= latch;
endmodule

// A block RAM of 18 kbit with two ports of 1, 2, 4, 9 or 18 bits. With DATA_WIDTH_A of 36, port A
// writes 36 bits (DIB above DIA) and port B reads up to 36 (DOB above DOA; narrower words at DOB).
// Chip selects are not used. A port reads the old word where the other writes; both writing the same
// byte in one clock is not modelled.
module DP16KD (
  input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
  input DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
  input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6,
  input ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
  input CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
  output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8,
  output DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
  input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
  input DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
  input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6,
  input ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
  input CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
  output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
  output DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter GSR = "ENABLED";
  parameter [319:0] INITVAL_00 = 0;
  parameter [319:0] INITVAL_01 = 0;
  parameter [319:0] INITVAL_02 = 0;
  parameter [319:0] INITVAL_03 = 0;
  parameter [319:0] INITVAL_04 = 0;
  parameter [319:0] INITVAL_05 = 0;
  parameter [319:0] INITVAL_06 = 0;
  parameter [319:0] INITVAL_07 = 0;
  parameter [319:0] INITVAL_08 = 0;
  parameter [319:0] INITVAL_09 = 0;
  parameter [319:0] INITVAL_0A = 0;
  parameter [319:0] INITVAL_0B = 0;
  parameter [319:0] INITVAL_0C = 0;
  parameter [319:0] INITVAL_0D = 0;
  parameter [319:0] INITVAL_0E = 0;
  parameter [319:0] INITVAL_0F = 0;
  parameter [319:0] INITVAL_10 = 0;
  parameter [319:0] INITVAL_11 = 0;
  parameter [319:0] INITVAL_12 = 0;
  parameter [319:0] INITVAL_13 = 0;
  parameter [319:0] INITVAL_14 = 0;
  parameter [319:0] INITVAL_15 = 0;
  parameter [319:0] INITVAL_16 = 0;
  parameter [319:0] INITVAL_17 = 0;
  parameter [319:0] INITVAL_18 = 0;
  parameter [319:0] INITVAL_19 = 0;
  parameter [319:0] INITVAL_1A = 0;
  parameter [319:0] INITVAL_1B = 0;
  parameter [319:0] INITVAL_1C = 0;
  parameter [319:0] INITVAL_1D = 0;
  parameter [319:0] INITVAL_1E = 0;
  parameter [319:0] INITVAL_1F = 0;
  parameter [319:0] INITVAL_20 = 0;
  parameter [319:0] INITVAL_21 = 0;
  parameter [319:0] INITVAL_22 = 0;
  parameter [319:0] INITVAL_23 = 0;
  parameter [319:0] INITVAL_24 = 0;
  parameter [319:0] INITVAL_25 = 0;
  parameter [319:0] INITVAL_26 = 0;
  parameter [319:0] INITVAL_27 = 0;
  parameter [319:0] INITVAL_28 = 0;
  parameter [319:0] INITVAL_29 = 0;
  parameter [319:0] INITVAL_2A = 0;
  parameter [319:0] INITVAL_2B = 0;
  parameter [319:0] INITVAL_2C = 0;
  parameter [319:0] INITVAL_2D = 0;
  parameter [319:0] INITVAL_2E = 0;
  parameter [319:0] INITVAL_2F = 0;
  parameter [319:0] INITVAL_30 = 0;
  parameter [319:0] INITVAL_31 = 0;
  parameter [319:0] INITVAL_32 = 0;
  parameter [319:0] INITVAL_33 = 0;
  parameter [319:0] INITVAL_34 = 0;
  parameter [319:0] INITVAL_35 = 0;
  parameter [319:0] INITVAL_36 = 0;
  parameter [319:0] INITVAL_37 = 0;
  parameter [319:0] INITVAL_38 = 0;
  parameter [319:0] INITVAL_39 = 0;
  parameter [319:0] INITVAL_3A = 0;
  parameter [319:0] INITVAL_3B = 0;
  parameter [319:0] INITVAL_3C = 0;
  parameter [319:0] INITVAL_3D = 0;
  parameter [319:0] INITVAL_3E = 0;
  parameter [319:0] INITVAL_3F = 0;
  localparam [20479:0] INIT = {INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B,
    INITVAL_3A, INITVAL_39, INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34,
    INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D,
    INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26,
    INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F,
    INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11,
    INITVAL_10, INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A,
    INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03,
    INITVAL_02, INITVAL_01, INITVAL_00};
  localparam WIDE = DATA_WIDTH_A == 36;

  wire clk_a = CLKAMUX == "INV" ? ~CLKA : CLKA;
  wire clk_b = CLKBMUX == "INV" ? ~CLKB : CLKB;
  wire [17:0] di_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7,
    DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] di_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7,
    DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire [13:0] ad_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
    ADA1, ADA0};
  wire [13:0] ad_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
    ADB1, ADB0};

  wire [8:0] row_a, row_b;
  wire [5:0] shift_a, shift_b;
  wire [35:0] mask_a, mask_b;
  ecp5_word #(.WIDTH(DATA_WIDTH_A)) word_a (
    .address(ad_a), .row(row_a), .shift(shift_a), .mask(mask_a));
  ecp5_word #(.WIDTH(DATA_WIDTH_B)) word_b (
    .address(ad_b), .row(row_b), .shift(shift_b), .mask(mask_b));

  // A reset that waits for the clock keeps the port from writing.
  wire write_a = CEA & WEA & ~(RESETMODE == "SYNC" & RSTA);
  wire write_b = CEB & WEB & ~(RESETMODE == "SYNC" & RSTB) & ~WIDE;
  wire [35:0] in_a = (WIDE ? {di_b, di_a} : {18'd0, di_a}) << shift_a;
  wire [35:0] in_b = {18'd0, di_b} << shift_b;
  wire [35:0] stored_a, stored_b;
  genvar k;
  generate
    for (k = 0; k < 4; k = k + 1) begin : bytes
      reg [8:0] rows [0:511];
      integer n;
      initial  // halves of a row are 18 bits, 20 bits apart
        for (n = 0; n < 512; n = n + 1) rows[n] = INIT[20 * (2 * n + k / 2) + 9 * (k % 2) +: 9];
      assign stored_a[9 * k +: 9] = rows[row_a];
      assign stored_b[9 * k +: 9] = rows[row_b];
      wire [8:0] from_a = mask_a[9 * k +: 9], from_b = mask_b[9 * k +: 9];
      always @(posedge clk_a)
        if (write_a & |from_a) rows[row_a] <= rows[row_a] & ~from_a | in_a[9 * k +: 9] & from_a;
      always @(posedge clk_b)
        if (write_b & |from_b) rows[row_b] <= rows[row_b] & ~from_b | in_b[9 * k +: 9] & from_b;
    end
  endgenerate

  wire read_a = CEA & ~(WEA & WRITEMODE_A == "NORMAL");
  wire read_b = CEB & ~(WEB & WRITEMODE_B == "NORMAL");
  wire [35:0] seen_a = write_a & WRITEMODE_A == "WRITETHROUGH" ?
    stored_a & ~mask_a | in_a & mask_a : stored_a;
  wire [35:0] seen_b = write_b & WRITEMODE_B == "WRITETHROUGH" ?
    stored_b & ~mask_b | in_b & mask_b : stored_b;
  wire [35:0] out_a, out_b;
  ecp5_read_port #(.REGMODE(REGMODE_A), .RESETMODE(RESETMODE)) port_a (
    .clk(clk_a), .reset(RSTA), .read(read_a), .output_enable(OCEA),
    .word(seen_a >> shift_a), .data(out_a));
  ecp5_read_port #(.REGMODE(REGMODE_B), .RESETMODE(RESETMODE)) port_b (
    .clk(clk_b), .reset(RSTB), .read(read_b), .output_enable(OCEB),
    .word(seen_b >> shift_b), .data(out_b));

  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
    DOA4, DOA3, DOA2, DOA1, DOA0} = WIDE ? out_b[17:0] : out_a[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
    DOB4, DOB3, DOB2, DOB1, DOB0} = WIDE & DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];
endmodule

// A register of the multiplier, or a wire.
module ecp5_dsp_register #(
  parameter CLK = "NONE",
  parameter WIDTH = 1
) (
  input clk,
  input enable,
  input reset,
  input [WIDTH-1:0] d,
  output [WIDTH-1:0] q
);
  generate
    if (CLK == "NONE") assign q = d;
    else begin
      reg [WIDTH-1:0] held = 0;
      always @(posedge clk)
        if (reset) held <= 0;
        else if (enable) held <= d;
      assign q = held;
    end
  endgenerate
endmodule

// A multiplier of 18 by 18 bits, each operand signed or unsigned, with registers at the operands
// (and their signs), after the multiplier and at the output, each in use (with CLK0, CE0 and RST0)
// or not.
module MULT18X18D (
  input A0, A1, A2, A3, A4, A5, A6, A7, A8,
  input A9, A10, A11, A12, A13, A14, A15, A16, A17,
  input B0, B1, B2, B3, B4, B5, B6, B7, B8,
  input B9, B10, B11, B12, B13, B14, B15, B16, B17,
  input C0, C1, C2, C3, C4, C5, C6, C7, C8,
  input C9, C10, C11, C12, C13, C14, C15, C16, C17,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
  output P0, P1, P2, P3, P4, P5, P6, P7, P8,
  output P9, P10, P11, P12, P13, P14, P15, P16, P17,
  output P18, P19, P20, P21, P22, P23, P24, P25, P26,
  output P27, P28, P29, P30, P31, P32, P33, P34, P35
);
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTA_CE = "CE0";
  parameter REG_INPUTA_RST = "RST0";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_INPUTB_CE = "CE0";
  parameter REG_INPUTB_RST = "RST0";
  parameter REG_PIPELINE_CLK = "NONE";
  parameter REG_PIPELINE_CE = "CE0";
  parameter REG_PIPELINE_RST = "RST0";
  parameter REG_OUTPUT_CLK = "NONE";
  parameter REG_OUTPUT_CE = "CE0";
  parameter REG_OUTPUT_RST = "RST0";

  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1,
    A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1,
    B0};
  wire [18:0] held_a, held_b;  // one bit more, so that unsigned operands are signed too
  wire signed [18:0] signed_a = held_a, signed_b = held_b;
  wire signed [37:0] product = signed_a * signed_b;
  wire [35:0] piped, p;
  ecp5_dsp_register #(.CLK(REG_INPUTA_CLK), .WIDTH(19)) input_a (
    .clk(CLK0), .enable(CE0), .reset(RST0), .d({SIGNEDA & a[17], a}), .q(held_a));
  ecp5_dsp_register #(.CLK(REG_INPUTB_CLK), .WIDTH(19)) input_b (
    .clk(CLK0), .enable(CE0), .reset(RST0), .d({SIGNEDB & b[17], b}), .q(held_b));
  ecp5_dsp_register #(.CLK(REG_PIPELINE_CLK), .WIDTH(36)) pipeline (
    .clk(CLK0), .enable(CE0), .reset(RST0), .d(product[35:0]), .q(piped));
  ecp5_dsp_register #(.CLK(REG_OUTPUT_CLK), .WIDTH(36)) output_p (
    .clk(CLK0), .enable(CE0), .reset(RST0), .d(piped), .q(p));
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19,
    P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = p;
endmodule
