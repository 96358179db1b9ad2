import { render } from "preact";
import { Playground } from "./page.js";
import "../style.css";
import "./playground.css";

const root = document.getElementById("playground");
if (root) render(<Playground />, root);
