"""`carousel verilog --axi`: the wrapped core and its register map, all of the files or none."""

import json

SHORT = ("--sequences", 2, "--length", 70)


def test_the_register_map_lies_beside_the_core(cli, model, place, tmp_path):
    """Four files, named in the output and its JSON; the core has the buses' ports and the map is
    that of this network."""
    told = tmp_path / "told.json"
    result = cli("verilog", model, *SHORT, "--axi", "-o", place, "--json", told)
    assert result.exit_code == 0, result.output
    written = {path.name.partition(".")[2]: path for path in place.iterdir()}
    assert {"v", "core.json", "registers.md", "registers.json"} <= set(written)
    assert str(written["registers.md"]) in result.stdout
    files = json.loads(told.read_text())
    assert files.pop("ok") and set(files.values()) == {str(path) for path in place.iterdir()}
    assert files["registers"] == str(written["registers.md"])
    ports = {port["name"] for port in json.loads(written["core.json"].read_text())["ports"]}
    assert {"aclk", "aresetn", "s_axis_tdata", "m_axis_tlast", "s_axil_awvalid"} <= ports
    assert "clk" not in ports
    table = json.loads(written["registers.json"].read_text())
    names = [register["name"] for register in table["registers"]]
    markdown = written["registers.md"].read_text()
    assert {"CONTROL", "STATE_DATA"} < set(names)
    assert [name for name in names if f"| `{name}` |" not in markdown] == []
