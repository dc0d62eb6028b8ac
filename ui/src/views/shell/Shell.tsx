import { Link, Outlet, useMatchRoute } from "@tanstack/react-router";
import { useRecovery } from "../../queries/useRecovery";
import { ThemeMenu } from "./ThemeMenu";
import classes from "./Shell.module.css";

/** The bar on top, and the page beneath it. */
export function Shell() {
  useRecovery();
  const inProject = useMatchRoute()({ to: "/p/$project" }) !== false;
  return (
    <div className={classes.shell}>
      <a href="#page" className={classes.skip}>
        Skip to the page
      </a>
      <header className={classes.bar}>
        <Link to="/" className={classes.brand} aria-label="Kestrel, projects">
          <img src="/kestrel.svg" alt="" width={20} height={20} />
          <span>Kestrel</span>
        </Link>
        <nav className={classes.nav} aria-label="pages">
          <Link
            to="/"
            activeOptions={{ exact: true }}
            className={inProject ? classes.current : undefined}
          >
            Projects
          </Link>
          <Link to="/traces">Rollouts</Link>
        </nav>
        <ThemeMenu />
      </header>
      <main id="page" className={classes.page}>
        <Outlet />
      </main>
    </div>
  );
}
