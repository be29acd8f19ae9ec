import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/controls.css";
import "./styles/parts.css";
import "./styles/charts.css";
import { App } from "./app.tsx";

/** The console: a page that shows and steers jobs, and talks to its own server by the REST API. */
const root = document.querySelector("#root");
if (root !== null) render(<App />, root);
