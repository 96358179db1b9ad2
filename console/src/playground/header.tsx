/** The top of the page. The console has it as one of its own pages; a copy that stands elsewhere has no other pages. */

/** Of the address that the console leads to. It says which links are drawn, and no more. */
const IS_IN_CONSOLE = location.search === "?console";

export function Header() {
  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the page
      </a>
      <header class="top">
        <Brand />
        {IS_IN_CONSOLE && (
          <nav aria-label="Pages">
            <a href="../#now">Now</a>
            <a href="../#images">Images</a>
            <a href="../#policy">Policy</a>
            <a href="#" aria-current="page" onClick={toMain}>
              Playground
            </a>
          </nav>
        )}
        <p class="live">Judged in your browser, sent to nobody</p>
      </header>
    </>
  );
}

function Brand() {
  const mark = (
    <>
      <img src="favicon.svg" alt="" width="28" height="28" />
      <span>{IS_IN_CONSOLE ? "ImageGate" : "ImageGate playground"}</span>
    </>
  );
  if (!IS_IN_CONSOLE) return <p class="brand">{mark}</p>;
  return (
    <a class="brand" href="../#now" aria-label="ImageGate console">
      {mark}
    </a>
  );
}

/** The address stays as it is. */
function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
